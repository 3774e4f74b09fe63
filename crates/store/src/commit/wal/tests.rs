//! A WAL file read back: every whole frame, and the difference between the end of a crash and damage.

use super::*;

const PATH: &str = "wal/00000000000000000007.wal";

/// A file with three frames of one checkpoint record each, and the offsets at which they end.
fn file() -> (Vec<u8>, Vec<usize>) {
    let header = FileHeader { instance: [7; 16], first_seq: 7, previous: Hash::from([9; 32]) };
    let (mut bytes, mut ends, mut previous) = (header.encode(), Vec::new(), header.previous);
    for seq in 7..10 {
        let mut body = Body::default();
        body.checkpoint(&format!("note {seq} with the mark CWF1 inside"));
        let (frame, hash) = body.frame(seq, &previous);
        bytes.extend(frame);
        ends.push(bytes.len());
        previous = hash;
    }
    (bytes, ends)
}

fn scan_bytes(bytes: &[u8]) -> Result<WalScan, Corrupt> {
    check(PATH.to_owned(), 7, bytes.to_vec())
}

#[test]
fn whole_frames_are_read_back_in_order() {
    let (bytes, ends) = file();
    let scan = scan_bytes(&bytes).expect("an intact file");
    assert_eq!((scan.frames.len(), scan.next_seq(), scan.torn()), (3, 10, 0));
    assert_eq!(scan.end as usize, ends[2]);
    for (frame, seq) in scan.frames.iter().zip(7..) {
        let records = records(&bytes[frame.body.clone()]).expect("a whole body");
        assert!(matches!(&records[..], [Record::Checkpoint(note)] if note.starts_with(&format!("note {seq} "))));
    }
}

#[test]
fn a_file_cut_anywhere_keeps_its_whole_frames_and_names_the_rest_torn() {
    let (bytes, ends) = file();
    for length in FILE_HEADER..bytes.len() {
        let scan = scan_bytes(&bytes[..length]).expect("a cut file is no damage");
        let whole = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(scan.frames.len(), whole, "{length} bytes");
        assert_eq!(scan.end + scan.torn(), length as u64);
    }
    for length in 0..FILE_HEADER {
        assert!(scan_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_changed_byte_before_the_last_frame_is_damage_at_its_frame() {
    let (bytes, ends) = file();
    for at in 0..ends[1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Err(corrupt) = scan_bytes(&changed) else { panic!("byte {at} was not found") };
        let frame = if at < FILE_HEADER {
            0
        } else if at < ends[0] {
            FILE_HEADER
        } else {
            ends[0]
        };
        assert_eq!((corrupt.file.as_str(), corrupt.offset), (PATH, Some(frame as u64)), "byte {at}");
    }
}

#[test]
fn a_changed_byte_in_the_last_frame_leaves_it_torn() {
    let (bytes, ends) = file();
    for at in ends[1]..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x80;
        let scan = scan_bytes(&changed).expect("the end of a crash looks like this");
        assert_eq!((scan.frames.len(), scan.end as usize), (2, ends[1]), "byte {at}");
    }
}
