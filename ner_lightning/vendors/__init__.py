"""What of the libraries we build on is private and used all the same: one file a library, where an upgrade fails."""
