//! Streams of an OLE compound file, the container of `.xls`. Every chain ends after as many steps as the file has
//! sectors, whatever the file says.

/// The first bytes of a compound file.
pub(super) const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
const HEADER: usize = 512;
const IN_HEADER: usize = 109;
const MINI_SECTOR: usize = 64;
/// From here on a sector number is a mark and no sector.
const LAST_SECTOR: u32 = 0xFFFF_FFFA;

struct File<'a> {
    bytes: &'a [u8],
    sector: usize,
    next: Vec<u32>,
}

/// The bytes of the first stream that has one of these names.
pub(super) fn stream(bytes: &[u8], names: &[&str]) -> Option<Vec<u8>> {
    let sector = match u16::from_le_bytes(bytes.get(30..32)?.try_into().ok()?) {
        9 => 512,
        12 => 4096,
        _ => return None,
    };
    let mut file = File {
        bytes,
        sector,
        next: Vec::new(),
    };
    file.next = file.table()?;
    let directory = file.chain(word(bytes, 48)?);
    let entries: Vec<&[u8]> = directory.chunks_exact(128).collect();
    let found = names
        .iter()
        .find_map(|name| entries.iter().find(|e| entry_name(e) == *name))?;
    let (start, size) = (word(found, 116)?, usize::try_from(word(found, 120)?).ok()?);
    let small = size < usize::try_from(word(bytes, 56)?).ok()?;
    let mut content = if small {
        file.mini(entries.first()?, start)?
    } else {
        file.chain(start)
    };
    content.truncate(size);
    Some(content)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .chunks_exact(4)
        .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
}

fn entry_name(entry: &[u8]) -> String {
    let length = usize::from(entry[64]).saturating_sub(2).min(62);
    let units: Vec<u16> = entry[..length]
        .chunks_exact(2)
        .map(|c| u16::from_le_bytes([c[0], c[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

impl File<'_> {
    fn sectors(&self) -> usize {
        self.bytes.len() / self.sector + 1
    }

    fn sector(&self, id: u32) -> &[u8] {
        // The header takes the place of the first sector, however long a sector is.
        let start = usize::try_from(id)
            .ok()
            .and_then(|i| i.checked_add(1)?.checked_mul(self.sector));
        let rest = start.and_then(|s| self.bytes.get(s..)).unwrap_or_default();
        rest.get(..self.sector).unwrap_or(rest)
    }

    /// Which sector follows which.
    fn table(&self) -> Option<Vec<u32>> {
        let mut ids: Vec<u32> = words(self.bytes.get(76..HEADER)?).take(IN_HEADER).collect();
        let mut more = word(self.bytes, 68)?;
        for _ in 0..self.sectors() {
            if more >= LAST_SECTOR {
                break;
            }
            let mut list: Vec<u32> = words(self.sector(more)).collect();
            more = list.pop()?;
            ids.extend(list);
        }
        let ids = ids
            .into_iter()
            .filter(|id| *id < LAST_SECTOR)
            .take(self.sectors());
        Some(
            ids.flat_map(|id| words(self.sector(id)))
                .take(self.sectors())
                .collect(),
        )
    }

    fn chain(&self, start: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let mut id = start;
        for _ in 0..self.sectors() {
            if id >= LAST_SECTOR {
                break;
            }
            out.extend_from_slice(self.sector(id));
            id = usize::try_from(id)
                .ok()
                .and_then(|i| self.next.get(i).copied())
                .unwrap_or(u32::MAX);
        }
        out
    }

    /// A small stream, which lies in pieces in the root's stream.
    fn mini(&self, root: &[u8], start: u32) -> Option<Vec<u8>> {
        let pieces = self.chain(word(root, 116)?);
        let next: Vec<u32> = words(&self.chain(word(self.bytes, 60)?)).collect();
        let mut out = Vec::new();
        let mut id = start;
        for _ in 0..pieces.len() / MINI_SECTOR + 1 {
            if id >= LAST_SECTOR {
                break;
            }
            let at = usize::try_from(id).ok()?.checked_mul(MINI_SECTOR)?;
            let Some(rest) = pieces.get(at..) else { break };
            out.extend_from_slice(rest.get(..MINI_SECTOR).unwrap_or(rest));
            id = next
                .get(usize::try_from(id).ok()?)
                .copied()
                .unwrap_or(u32::MAX);
        }
        Some(out)
    }
}
