//! What a search answers: compared with the language itself, over random events and queries.

use cairn_search::conformance::{self, MemoryIndex};
use proptest::prelude::*;

#[test]
fn the_memory_index_passes_the_suite_of_every_engine() {
    conformance::run(&|| Box::new(MemoryIndex::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn pages_while_events_arrive_hold_what_matched_when_the_search_began(seed in any::<u64>()) {
        conformance::searches_answer_like_the_language(&MemoryIndex::new(), seed);
    }
}
