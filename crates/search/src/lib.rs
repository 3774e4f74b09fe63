//! Finds events again and proves each hit against stored bytes.
