//! What was sent, what was answered, what was found after a restart; and that the three agree.
//!
//! A *fact* is one event that a producer made up, with a number that stands in its content. However
//! often a fact is sent, it must be in its trail once if any answer said so, never if every answer
//! said no, and once or not at all if an answer is missing.

use std::collections::{BTreeMap, HashMap};

use cairn_api::v1::{EventResult, Status, SubmitAnswer};
use cairn_ledger::{Checkpoint, Hash, NoTiles, Tree};

/// The trails that events go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trail {
    Main,
    Quarantine,
}

impl Trail {
    pub(super) const ALL: [Trail; 2] = [Trail::Main, Trail::Quarantine];

    pub(super) fn name(self) -> &'static str {
        match self {
            Trail::Main => "default/main",
            Trail::Quarantine => "default/quarantine",
        }
    }

    /// The index in this trail that a position names.
    #[track_caller]
    pub(super) fn index(self, position: &str) -> u64 {
        let index = position.strip_prefix(self.name()).and_then(|rest| rest.strip_prefix('@'));
        index.and_then(|index| index.parse().ok()).unwrap_or_else(|| panic!("{position} is not in {self:?}"))
    }
}

/// What must become of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event like any other.
    Event,
    /// A record that its source can't map.
    Unmappable,
    /// An event that breaks a rule.
    Invalid,
}

/// Where a fact is, and the hash of the leaf that commits to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: u64,
    leaf: Hash,
}

#[derive(Debug)]
pub(super) struct Fact {
    kind: Kind,
    /// The idempotency key or natural key it was given: other facts may have the same.
    key: Option<String>,
    request: usize,
    sent: u32,
    /// How often an answer said that it is new.
    stored: u32,
    acked: Option<Place>,
    /// An answer is missing, and no restart since then has shown what it would have said.
    open: bool,
    found: Option<Place>,
}

/// A body as it was sent, to be sent again byte for byte.
pub(super) struct Request {
    pub(super) producer: usize,
    pub(super) body: std::sync::Arc<Vec<u8>>,
    pub(super) submit: cairn_api::Submit,
    pub(super) facts: Vec<usize>,
}

/// One time that a request goes out.
pub(super) struct Attempt {
    pub(super) request: usize,
    /// What had been acknowledged before, as the number of events of each trail: whatever is new now
    /// comes behind it.
    floor: [u64; 2],
}

/// An event as it was read back.
pub(super) struct Found {
    pub(super) fact: usize,
    pub(super) index: u64,
    pub(super) leaf: Hash,
    /// Index of the event that it says has its key.
    pub(super) conflict_with: Option<u64>,
}

#[derive(Default)]
struct TrailBook {
    /// Every leaf that was ever read back.
    tree: Tree,
    leaves: Vec<Hash>,
    /// Checkpoints that were seen and not yet compared with the tree.
    seen: Vec<Checkpoint>,
    acked_end: u64,
    at: HashMap<u64, usize>,
    /// Per producer: request, whether it is a conflict, place in the request; of the last fact that
    /// was sent once.
    order: BTreeMap<usize, (usize, bool, usize)>,
}

/// The sums that are printed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) unanswered: u64,
    pub(super) acked: u64,
    pub(super) duplicates: u64,
    pub(super) quarantined: u64,
    pub(super) conflicts: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    pub(super) recovered: u64,
    pub(super) checkpoints: u64,
    pub(super) receipts: u64,
}

#[derive(Default)]
pub(super) struct Books {
    pub(super) facts: Vec<Fact>,
    pub(super) requests: Vec<Request>,
    trails: [TrailBook; 2],
    /// Index of the first event with a key.
    first_of_key: HashMap<String, u64>,
    /// Facts to be looked at after the next restart.
    unsettled: Vec<usize>,
    pub(super) tally: Tally,
}

impl Books {
    /// Enters a fact that the next request will hold; gives its number.
    pub(super) fn fact(&mut self, kind: Kind, key: Option<String>) -> usize {
        let request = self.requests.len();
        self.facts.push(Fact { kind, key, request, sent: 0, stored: 0, acked: None, open: false, found: None });
        self.facts.len() - 1
    }

    /// A key that some fact was given before.
    pub(super) fn key_of(&self, fact: usize) -> Option<&str> {
        self.facts.get(fact)?.key.as_deref()
    }

    /// Whether a fact that must be stored some day is not known to be.
    pub(super) fn is_missing(&self, fact: usize) -> bool {
        let fact = &self.facts[fact];
        fact.kind != Kind::Invalid && fact.acked.is_none() && fact.found.is_none()
    }

    /// Number of leaves that were read back.
    pub(super) fn size(&self, trail: Trail) -> u64 {
        self.trails[trail as usize].leaves.len() as u64
    }

    pub(super) fn leaf(&self, trail: Trail, index: u64) -> Hash {
        self.trails[trail as usize].leaves[index as usize]
    }

    /// A request goes out.
    pub(super) fn sending(&mut self, request: usize) -> Attempt {
        for fact in &self.requests[request].facts {
            self.facts[*fact].sent += 1;
        }
        self.tally.requests += 1;
        self.tally.retries += u64::from(self.facts[self.requests[request].facts[0]].sent > 1);
        Attempt { request, floor: Trail::ALL.map(|trail| self.trails[trail as usize].acked_end) }
    }

    /// Nobody knows what became of it.
    pub(super) fn unanswered(&mut self, attempt: &Attempt) {
        self.tally.unanswered += 1;
        for number in self.requests[attempt.request].facts.clone() {
            let fact = &mut self.facts[number];
            if fact.kind != Kind::Invalid && fact.acked.is_none() && fact.found.is_none() && !fact.open {
                fact.open = true;
                self.tally.unknown += 1;
                self.unsettled.push(number);
            }
        }
    }

    /// Nothing of it was taken.
    pub(super) fn refused(&mut self, attempt: &Attempt) {
        self.tally.refused += self.requests[attempt.request].facts.len() as u64;
    }

    /// An answer, and the checkpoints of its receipts.
    pub(super) fn answered(&mut self, attempt: &Attempt, answer: &SubmitAnswer, seen: Vec<(Trail, Checkpoint)>) {
        let facts = self.requests[attempt.request].facts.clone();
        assert!(answer.adds_up(), "{answer:?}");
        assert_eq!(answer.results.len(), facts.len());
        for (number, result) in facts.into_iter().zip(&answer.results) {
            match (self.facts[number].kind, result.status) {
                (Kind::Invalid, Status::Refused) => self.tally.refused += 1,
                (Kind::Event, Status::Stored | Status::Duplicate) => {
                    self.acknowledged(Trail::Main, number, result, attempt.floor[0]);
                }
                (Kind::Unmappable, Status::Quarantined | Status::Duplicate) => {
                    self.acknowledged(Trail::Quarantine, number, result, attempt.floor[1]);
                }
                (kind, _) => panic!("fact {number}, {kind:?}: {result:?}"),
            }
        }
        self.tally.receipts += answer.receipts.len() as u64;
        for (trail, checkpoint) in seen {
            self.saw(trail, checkpoint);
        }
    }

    fn acknowledged(&mut self, trail: Trail, number: usize, result: &EventResult, floor: u64) {
        let fact = &mut self.facts[number];
        let index = trail.index(result.position.as_deref().expect("a place"));
        let leaf = result.leaf_hash.as_deref().expect("a leaf hash");
        let place = Place { index, leaf: Hash::from_base64(leaf).unwrap() };
        assert_eq!(result.index, Some(index));
        if result.status == Status::Duplicate {
            self.tally.duplicates += 1;
        } else {
            assert!(fact.found.is_none(), "fact {number} was there and is stored again: {result:?}");
            assert_eq!(fact.stored, 0, "fact {number} is new a second time: {result:?}");
            assert!(index >= floor, "fact {number} comes before what was there: {result:?}");
            fact.stored += 1;
            self.tally.quarantined += u64::from(result.status == Status::Quarantined);
            self.tally.conflicts += u64::from(result.conflict_of.is_some());
        }
        match fact.acked.or(fact.found) {
            Some(before) => assert_eq!(before, place, "fact {number} has another receipt"),
            None => {
                self.tally.acked += 1;
                self.unsettled.push(number);
            }
        }
        fact.acked = Some(place);
        let book = &mut self.trails[trail as usize];
        book.acked_end = book.acked_end.max(index + 1);
        let occupant = *book.at.entry(index).or_insert(number);
        assert_eq!(occupant, number, "two facts have the place {index} of {trail:?}");
    }

    /// A checkpoint that somebody was shown.
    pub(super) fn saw(&mut self, trail: Trail, checkpoint: Checkpoint) {
        self.tally.checkpoints += 1;
        self.trails[trail as usize].seen.push(checkpoint);
    }

    /// After a restart: the leaves behind those that were known, and the checkpoint of all. Every
    /// checkpoint that was ever seen must be one of a tree that this one grew out of.
    pub(super) fn grow(&mut self, trail: Trail, leaves: &[Hash], checkpoint: Option<&Checkpoint>) {
        let book = &mut self.trails[trail as usize];
        for leaf in leaves {
            book.tree.push(*leaf);
            book.leaves.push(*leaf);
        }
        let size = checkpoint.map_or(0, Checkpoint::size);
        assert_eq!(size, book.tree.size(), "{trail:?} has not the size of its checkpoint");
        assert!(book.acked_end <= size, "{trail:?} ends before what was acknowledged");
        for seen in book.seen.drain(..).chain(checkpoint.cloned()) {
            let root = book.tree.root_at(seen.size(), &NoTiles);
            let root = root.unwrap_or_else(|_| panic!("{trail:?} lost events: {seen:?}, {size} now"));
            assert_eq!(root, *seen.root(), "{trail:?} of {} events is not what it was", seen.size());
        }
    }

    /// An event that is there after a restart and was not there, or not known of, before it.
    pub(super) fn found(&mut self, trail: Trail, found: &Found) {
        let Found { fact: number, index, leaf, conflict_with } = *found;
        let book = &mut self.trails[trail as usize];
        assert_eq!(leaf, book.leaves[index as usize], "{trail:?}@{index} is not the leaf of the tree");
        let fact = self.facts.get_mut(number).unwrap_or_else(|| panic!("fact {number} was never sent"));
        let expected = match fact.kind {
            Kind::Event => Trail::Main,
            Kind::Unmappable => Trail::Quarantine,
            Kind::Invalid => panic!("fact {number} was refused and is at {trail:?}@{index}"),
        };
        assert_eq!(trail, expected, "fact {number}");
        assert!(fact.acked.is_some() || fact.open, "fact {number} was refused each time: {fact:?}");
        assert!(fact.found.is_none(), "fact {number} is twice in {trail:?}: {:?} and {index}", fact.found);
        let place = Place { index, leaf };
        assert!(fact.acked.is_none_or(|acked| acked == place), "fact {number}: {fact:?}, but at {place:?}");
        fact.found = Some(place);
        assert_eq!(*book.at.entry(index).or_insert(number), number, "{trail:?}@{index} is another fact");
        if fact.sent == 1 {
            let request = &self.requests[fact.request];
            let ordinal = request.facts.iter().position(|other| *other == number).expect("it holds it");
            let now = (fact.request, conflict_with.is_some(), ordinal);
            let before = book.order.insert(request.producer, now);
            assert!(
                before.is_none_or(|before| before < now),
                "order of producer {}: {before:?}, {now:?}",
                request.producer
            );
        }
        match fact.key.clone() {
            None => assert_eq!(conflict_with, None, "fact {number} has a key of its own"),
            // Read in order: the first event with a key has no mark, the others name it.
            Some(key) => {
                let first = self.first_of_key.get(&key).copied();
                assert_eq!(conflict_with, first, "fact {number} with {key} at {index}");
                self.first_of_key.entry(key).or_insert(index);
            }
        }
    }

    /// All was read back: what was acknowledged must be there; of what was not answered it is known
    /// now whether it is. After a stop that was waited for, all that was taken had been answered.
    pub(super) fn settle(&mut self, answered_all: bool) {
        for number in std::mem::take(&mut self.unsettled) {
            let fact = &mut self.facts[number];
            assert!(fact.acked.is_none() || fact.found.is_some(), "fact {number} is lost: {fact:?}");
            if std::mem::take(&mut fact.open) && fact.acked.is_none() && fact.found.is_some() {
                assert!(!answered_all, "fact {number} was taken and not answered: {fact:?}");
                self.tally.recovered += 1;
            }
        }
        for trail in Trail::ALL {
            let found = self.trails[trail as usize].at.len() as u64;
            assert_eq!(found, self.size(trail), "as many facts as events in {trail:?}");
        }
    }

    /// The same event read once more.
    pub(super) fn found_again(&self, trail: Trail, found: &Found) {
        let fact = &self.facts[found.fact];
        let place = Place { index: found.index, leaf: found.leaf };
        assert_eq!(fact.found, Some(place), "fact {} in {trail:?}", found.fact);
    }
}
