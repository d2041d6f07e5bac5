//! Dockets of threads written for the purpose: every kind opens, warns, is late, stands still and ends.
