//! The file layer that SQLite calls: locks and shared memory go to the real files, content goes through [`Disk`].
//!
//! Paths below a registered folder lose; all others, and temporary files, pass through untouched.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use rusqlite::ffi;

use crate::disk::{Disk, Outcome};
use crate::unsynced::Change;

static DISKS: RwLock<Vec<Arc<Disk>>> = RwLock::new(Vec::new());
static LAYER: OnceLock<Layer> = OnceLock::new();

/// The real file layer.
struct Layer {
    real: *mut ffi::sqlite3_vfs,
}
// SAFETY: SQLite's file layers are never changed after they are registered, and may be called from any thread.
unsafe impl Send for Layer {}
// SAFETY: as above.
unsafe impl Sync for Layer {}

/// Puts a disk that can lose below a folder, for every SQLite file that this process opens there from now on.
pub fn lay(folder: &Path) -> std::io::Result<Arc<Disk>> {
    let root = folder.canonicalize()?;
    if LAYER.get_or_init(register).real.is_null() {
        return Err(std::io::Error::other("SQLite has no file layer"));
    }
    let disk = Arc::new(Disk::new(root));
    let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
    disks.push(Arc::clone(&disk));
    Ok(disk)
}

/// Takes a disk away from below its folder; what is open there stays with it.
pub fn lift(disk: &Arc<Disk>) {
    let mut disks = DISKS.write().unwrap_or_else(PoisonError::into_inner);
    disks.retain(|d| !Arc::ptr_eq(d, disk));
}

fn register() -> Layer {
    // SAFETY: finds the layer that SQLite would use; null is the default's name.
    let real = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    if real.is_null() {
        return Layer { real };
    }
    // SAFETY: a registered layer lives as long as the process; what is copied are numbers and function pointers.
    let mut ours = unsafe { std::ptr::read(real) };
    ours.szOsFile += HEAD as c_int;
    ours.pNext = std::ptr::null_mut();
    ours.zName = c"losing-disk".as_ptr();
    ours.xOpen = Some(open);
    ours.xDelete = Some(delete);
    ours.xAccess = Some(access);
    ours.xFullPathname = Some(full_pathname);
    let ours = Box::leak(Box::new(ours));
    // SAFETY: the layer is whole and never freed.
    unsafe { ffi::sqlite3_vfs_register(ours, 1) };
    Layer { real }
}

fn real() -> *mut ffi::sqlite3_vfs {
    LAYER.get().map_or(std::ptr::null_mut(), |l| l.real)
}

fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
    disks.iter().rev().find(|d| d.holds(path)).cloned()
}

/// The file object of SQLite: ours stands first, the real one behind it.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    on: *mut Open,
}

/// Where the real file object stands.
const HEAD: usize = size_of::<File>().next_multiple_of(16);

/// What is open.
struct Open {
    place: Option<Place>,
}

struct Place {
    disk: Arc<Disk>,
    path: PathBuf,
    life: u64,
    /// Its first sync brings its name to the disk, too.
    syncs_folder: bool,
}

/// The real file of one of ours, and what its layer does with it.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn behind<'a>(
    file: *mut ffi::sqlite3_file,
) -> (*mut ffi::sqlite3_file, &'a ffi::sqlite3_io_methods) {
    // SAFETY: `szOsFile` makes SQLite give room for both; the real open set the methods.
    unsafe {
        let real = file.cast::<u8>().add(HEAD).cast::<ffi::sqlite3_file>();
        (real, &*(*real).pMethods)
    }
}

/// # Safety
/// As for [`behind`]; SQLite uses one file object in one thread at a time.
unsafe fn place<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a mut Place> {
    // SAFETY: `open` put it there.
    unsafe { (*(*file.cast::<File>()).on).place.as_mut() }
}

/// Calls a function of the real file.
macro_rules! pass {
    ($file:ident, $method:ident $(, $arg:expr)*) => {{
        // SAFETY: the file is open, and the real layer is given what SQLite gave us.
        unsafe {
            let (real, methods) = behind($file);
            match methods.$method {
                Some(call) => call(real $(, $arg)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

/// # Safety
/// A name that SQLite gave, or null.
unsafe fn named(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: names end with a zero.
    (!name.is_null())
        .then(|| unsafe { PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())) })
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    const KEPT: c_int = ffi::SQLITE_OPEN_MAIN_DB
        | ffi::SQLITE_OPEN_MAIN_JOURNAL
        | ffi::SQLITE_OPEN_SUPER_JOURNAL
        | ffi::SQLITE_OPEN_WAL;
    // SAFETY: SQLite gives room for a file object, and no methods make it one that is not open.
    unsafe { (*file).pMethods = std::ptr::null() };
    // SAFETY: SQLite's name.
    let path = unsafe { named(name) }.filter(|_| flags & KEPT != 0);
    let disk = path.as_deref().and_then(disk_of);
    let mut place = None;
    if let (Some(disk), Some(path)) = (disk, path) {
        let Some(life) = disk.life() else {
            return ffi::SQLITE_CANTOPEN;
        };
        let creates = flags & ffi::SQLITE_OPEN_CREATE != 0;
        place = Some(Place {
            disk,
            life,
            syncs_folder: creates && flags & ffi::SQLITE_OPEN_MAIN_DB == 0,
            path,
        });
    }
    let existed = place.as_ref().is_none_or(|p| p.path.exists());
    // SAFETY: the real layer is given its own object, behind ours, and what SQLite gave us.
    let code = unsafe {
        let behind = file.cast::<u8>().add(HEAD).cast::<ffi::sqlite3_file>();
        match (*real()).xOpen {
            Some(call) => call(real(), name, behind, flags, out),
            None => ffi::SQLITE_CANTOPEN,
        }
    };
    if code != ffi::SQLITE_OK {
        return code;
    }
    if let Some(place) = &place {
        place.disk.opened(&place.path, !existed);
    }
    // SAFETY: from here on it is an open file of ours.
    unsafe {
        (*file.cast::<File>()).on = Box::into_raw(Box::new(Open { place }));
        (*file).pMethods = &raw const METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite's name.
    let path = unsafe { named(name) };
    let disk = path.as_deref().and_then(disk_of);
    if let (Some(disk), Some(path)) = (&disk, &path)
        && disk.remove(path) != Outcome::Fine
    {
        return ffi::SQLITE_IOERR_DELETE;
    }
    // SAFETY: the real layer is given what SQLite gave us.
    let code = unsafe {
        match (*real()).xDelete {
            Some(call) => call(real(), name, 0),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    };
    if let (Some(disk), Some(path)) = (disk, path)
        && sync != 0
    {
        disk.folder_synced(&path);
    }
    code
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's name.
    let path = unsafe { named(name) };
    if let Some(path) = path
        && let Some(disk) = disk_of(&path)
    {
        if disk.is_off() {
            return ffi::SQLITE_IOERR_ACCESS;
        }
        if flags == ffi::SQLITE_ACCESS_EXISTS && disk.length(&path, 0) > 0 {
            // SAFETY: SQLite's place for the answer.
            unsafe { *out = 1 };
            return ffi::SQLITE_OK;
        }
    }
    // SAFETY: the real layer is given what SQLite gave us.
    unsafe {
        match (*real()).xAccess {
            Some(call) => call(real(), name, flags, out),
            None => ffi::SQLITE_IOERR_ACCESS,
        }
    }
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the real layer is given what SQLite gave us.
    unsafe {
        match (*real()).xFullPathname {
            Some(call) => call(real(), name, room, out),
            None => ffi::SQLITE_CANTOPEN,
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = pass!(file, xClose);
    // SAFETY: made in `open`, and freed here alone.
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).on));
        (*file).pMethods = std::ptr::null();
    }
    code
}

fn on_disk(file: *mut ffi::sqlite3_file) -> Result<u64, c_int> {
    let mut size: ffi::sqlite3_int64 = 0;
    match pass!(file, xFileSize, &raw mut size) {
        ffi::SQLITE_OK => Ok(u64::try_from(size).unwrap_or_default()),
        code => Err(code),
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours.
    let place = unsafe { place(file) };
    if let Some(place) = &place
        && place.disk.read(place.life) != Outcome::Fine
    {
        return ffi::SQLITE_IOERR_READ;
    }
    let code = pass!(file, xRead, into, amount, at);
    let Some(place) = place else { return code };
    if code != ffi::SQLITE_OK && code != ffi::SQLITE_IOERR_SHORT_READ {
        return code;
    }
    let size = match on_disk(file) {
        Ok(size) => size,
        Err(code) => return code,
    };
    let (Ok(length), Ok(at)) = (usize::try_from(amount), u64::try_from(at)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite's room, which the real layer has filled, with zeros behind the end.
    let bytes = unsafe { std::slice::from_raw_parts_mut(into.cast::<u8>(), length) };
    match place.disk.patch(&place.path, size, at, bytes) {
        true => ffi::SQLITE_OK,
        false => ffi::SQLITE_IOERR_SHORT_READ,
    }
}

/// Brings a change to the real file.
fn bring(file: *mut ffi::sqlite3_file, change: &Change) -> c_int {
    match change {
        Change::Write(at, bytes) => {
            let (from, length) = (bytes.as_ptr().cast::<c_void>(), bytes.len() as c_int);
            pass!(file, xWrite, from, length, *at as ffi::sqlite3_int64)
        }
        Change::Resize(to) => pass!(file, xTruncate, *to as ffi::sqlite3_int64),
    }
}

fn change(file: *mut ffi::sqlite3_file, place: &Place, change: Change) -> c_int {
    match place.disk.change(place.life, &place.path, change) {
        (Outcome::Fine, Some(early)) => bring(file, &early),
        (Outcome::Fine, None) => ffi::SQLITE_OK,
        (Outcome::Full, _) => ffi::SQLITE_FULL,
        _ => ffi::SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours.
    let Some(place) = (unsafe { place(file) }) else {
        return pass!(file, xWrite, from, amount, at);
    };
    let (Ok(length), Ok(at)) = (usize::try_from(amount), u64::try_from(at)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite's bytes.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
    change(file, place, Change::Write(at, bytes.to_vec()))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, to: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file of ours.
    match (unsafe { place(file) }, u64::try_from(to)) {
        (Some(place), Ok(to)) => change(file, place, Change::Resize(to)),
        _ => pass!(file, xTruncate, to),
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let Some(place) = (unsafe { place(file) }) else {
        return pass!(file, xSync, flags);
    };
    // Bringing it to the real file is enough: what a killed process wrote stays in the machine's memory.
    let (outcome, changes) = place.disk.sync(place.life, &place.path);
    if outcome != Outcome::Fine {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    for change in &changes {
        let code = bring(file, change);
        if code != ffi::SQLITE_OK {
            return code;
        }
    }
    if std::mem::take(&mut place.syncs_folder) {
        place.disk.folder_synced(&place.path);
    }
    match place.disk.synced(&place.path) {
        true => ffi::SQLITE_OK,
        false => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours.
    let place = unsafe { place(file) };
    match on_disk(file) {
        Ok(size) => {
            let size = place.map_or(size, |p| p.disk.length(&p.path, size));
            // SAFETY: SQLite's place for the answer.
            unsafe { *out = ffi::sqlite3_int64::try_from(size).unwrap_or_default() };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

/// Whether the power has gone since the file was opened.
fn is_dead(file: *mut ffi::sqlite3_file) -> bool {
    // SAFETY: an open file of ours.
    unsafe { place(file) }.is_some_and(|p| !p.disk.is_alive(p.life))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    if is_dead(file) {
        return ffi::SQLITE_IOERR_LOCK;
    }
    pass!(file, xLock, level)
}
unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file, xUnlock, level)
}
unsafe extern "C" fn reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    pass!(file, xCheckReservedLock, out)
}
unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    pass!(file, xFileControl, op, arg)
}
unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file, xSectorSize)
}
unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file, xDeviceCharacteristics)
}
unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    if is_dead(file) {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    pass!(file, xShmMap, page, size, extend, out)
}
unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    n: c_int,
    flags: c_int,
) -> c_int {
    if is_dead(file) && flags & ffi::SQLITE_SHM_UNLOCK == 0 {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    pass!(file, xShmLock, offset, n, flags)
}
unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: an open file of ours.
    unsafe {
        let (real, methods) = behind(file);
        if let Some(call) = methods.xShmBarrier {
            call(real);
        }
    }
}
unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file, xShmUnmap, delete)
}

/// Version 2: with shared memory, without memory-mapped content.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
