//! Decides what happens to a draft under the policy in force.
