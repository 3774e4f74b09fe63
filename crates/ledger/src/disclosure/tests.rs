//! What a disclosure opens or hides leaves the root alone; what it claims wrongly does not.

use proptest::prelude::*;

use super::*;
use crate::{PartText, Seed, SlotSpan};

fn sample() -> (Disclosure, Hash) {
    let seed = Seed::from_bytes([3; 32]);
    let producer_slots = [
        SlotSpan { path: "/actor", start: 9, len: 4, hidden: None },
        SlotSpan { path: "/before", start: 23, len: 1, hidden: None },
    ];
    let producer = PartText { text: br#"{"actor":"me","before":7}"#, slots: &producer_slots };
    let server_slots = [SlotSpan { path: "/raw", start: 7, len: 3, hidden: None }];
    let server = PartText { text: br#"{"raw":"r"}"#, slots: &server_slots };
    let hash = |text: &PartText<'_>, part| text.commit(part, &seed).unwrap();
    let root = event_root(&hash(&producer, Part::Producer), &hash(&server, Part::Server));
    let disclosure = Disclosure::new(
        producer.disclose(Part::Producer, &seed).unwrap(),
        server.disclose(Part::Server, &seed).unwrap(),
    );
    (disclosure.unwrap(), root)
}

#[test]
fn a_disclosure_leads_to_the_root_whatever_is_hidden() {
    let (mut disclosure, root) = sample();
    let slots = [(Part::Producer, "/before"), (Part::Server, ""), (Part::Server, "/raw"), (Part::Producer, "")];
    assert_eq!(disclosure.root(), root);
    for (part, path) in slots {
        assert!(disclosure.hide(part, path), "{path}");
        assert!(!disclosure.hide(part, path), "{path} is hidden already");
        assert_eq!(disclosure.root(), root);
        assert_eq!(Disclosure::decode(&disclosure.encode()), Ok(disclosure.clone()));
    }
    assert!(!disclosure.hide(Part::Server, "/actor"), "no such slot in this part");
}

#[test]
fn hiding_removes_the_value_and_the_salt() {
    let (mut disclosure, _) = sample();
    let DisclosedSlot::Open { salt, .. } = disclosure.part(Part::Producer)[1] else { panic!("open") };
    let holds = |disclosure: &Disclosure, bytes: &[u8]| disclosure.encode().windows(bytes.len()).any(|w| w == bytes);
    assert!(holds(&disclosure, b"\"me\"") && holds(&disclosure, &salt));
    disclosure.hide(Part::Producer, "/actor");
    assert!(!holds(&disclosure, b"\"me\"") && !holds(&disclosure, &salt));
}

#[test]
fn every_changed_bit_changes_the_root_or_is_refused() {
    let (disclosure, root) = sample();
    let bytes = disclosure.encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            assert!(!Disclosure::decode(&bad).is_ok_and(|bad| bad.root() == root), "bit {bit} of byte {at}");
        }
        assert!(Disclosure::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert!(Disclosure::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn slots_can_not_be_exchanged_or_moved_between_the_parts() {
    let (disclosure, root) = sample();
    let (producer, server) = (disclosure.producer.clone(), disclosure.server.clone());
    let parts_exchanged = Disclosure::new(server.clone(), producer.clone()).unwrap();
    assert_ne!(parts_exchanged.root(), root);
    let mut swapped = producer.clone();
    swapped.swap(1, 2);
    assert!(Disclosure::new(swapped, server.clone()).is_err(), "open slots out of order");
    let mut hidden: Vec<_> = producer.iter().map(|slot| DisclosedSlot::Hidden(slot.commitment())).collect();
    hidden.swap(1, 2);
    assert_ne!(Disclosure::new(hidden, server.clone()).unwrap().root(), root);
    let mut more = producer.clone();
    more.push(DisclosedSlot::Hidden(Hash([0; 32])));
    assert_ne!(Disclosure::new(more, server.clone()).unwrap().root(), root);
    assert!(Disclosure::new(producer[1..].to_vec(), server.clone()).is_err(), "no core");
    assert!(Disclosure::new(Vec::new(), server).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        salts in prop::collection::vec(prop::option::of(any::<[u8; 16]>()), 1..65),
        value in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let slots: Vec<DisclosedSlot> = salts
            .iter()
            .enumerate()
            .map(|(i, salt)| match salt {
                None => DisclosedSlot::Hidden(Hash([i as u8; 32])),
                Some(salt) => {
                    let path = if i == 0 { String::new() } else { format!("/{i:02}") };
                    DisclosedSlot::Open { salt: *salt, path, value: value.clone() }
                }
            })
            .collect();
        let disclosure = Disclosure::new(slots.clone(), slots).unwrap();
        prop_assert_eq!(Disclosure::decode(&disclosure.encode()), Ok(disclosure));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(mut bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        bytes[0] = VERSION;
        if let Ok(disclosure) = Disclosure::decode(&bytes) {
            prop_assert_eq!(disclosure.encode(), bytes);
        }
    }
}
