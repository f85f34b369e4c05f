// Syncing, as the pages use it.

export { overFetch, type Answer, type Call, type Carrier } from "./calls";
export { enrol, type EnrolLink } from "./enrol";
export { Proof, type DeviceKey } from "./proof";
export { sync, type Progress, type Report, type Watch } from "./run";
export { SyncError, type SyncCode } from "./trouble";
export { Counter, today, type Usage } from "./usage";
