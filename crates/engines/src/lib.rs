//! Concrete disks, clocks, key indexes, search indexes and signers behind the seams.
