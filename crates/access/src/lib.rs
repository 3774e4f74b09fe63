//! Who may do what, decided from the credential alone.
