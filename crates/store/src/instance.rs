//! Who a data directory is: `cairn.id` (`formats/directory.md`).

use crate::durable;
use crate::error::{Corrupt, StoreError, io_error};
use crate::files;
use crate::layout;
use crate::seams::{Disk, Entropy};
use cairn_event::TrailRef;

/// Identity of a data directory, fixed when it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// UUID of the directory.
    pub id: [u8; 16],
    /// Host part of every log origin.
    pub host: String,
}

impl Instance {
    /// The origin of a trail's log.
    pub fn origin(&self, trail: &TrailRef) -> String {
        format!("{}/t/{trail}", self.host)
    }

    /// The UUID as text.
    pub fn id_text(&self) -> String {
        let hex: String = self.id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn text(&self) -> String {
        format!("cairn-data/1\ninstance {}\nhost {}\n", self.id_text(), self.host)
    }

    /// Reads `cairn.id`; `None` when there is none, so the directory is new.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the file is not what a store writes.
    pub fn read(disk: &dyn Disk) -> Result<Option<Instance>, StoreError> {
        let Some(bytes) = files::read_if_any(disk, layout::ID)? else { return Ok(None) };
        let instance = std::str::from_utf8(&bytes).ok().and_then(parse);
        match instance {
            // Byte for byte, so that no spelling but one is accepted.
            Some(instance) if instance.text().as_bytes() == bytes => Ok(Some(instance)),
            _ => Err(Corrupt::in_file(layout::ID, "not the three lines that identify a data directory").at(0).into()),
        }
    }

    /// Writes `cairn.id` of a new directory.
    pub(crate) fn create(disk: &dyn Disk, entropy: &dyn Entropy, host: Option<&str>) -> Result<Instance, StoreError> {
        let mut id: [u8; 16] = entropy.secret()[..16].try_into().expect("16 of 32 bytes");
        // RFC 9562 version 4.
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let mut instance = Instance { id, host: String::new() };
        instance.host = host.map_or_else(|| format!("cairn-{}", &instance.id_text()[..8]), str::to_owned);
        durable::put(disk, layout::ID, instance.text().as_bytes()).map_err(io_error("write cairn.id"))?;
        Ok(instance)
    }
}

fn parse(text: &str) -> Option<Instance> {
    let mut lines = text.lines();
    if lines.next()? != "cairn-data/1" {
        return None;
    }
    let hex: String = lines.next()?.strip_prefix("instance ")?.chars().filter(|c| *c != '-').collect();
    let host = lines.next()?.strip_prefix("host ")?.to_owned();
    if hex.len() != 32 || !hex.is_ascii() {
        return None;
    }
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Instance { id, host })
}
