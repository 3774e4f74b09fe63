//! Turns each foreign format into drafts and says what should have come.
