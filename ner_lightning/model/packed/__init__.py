"""Run an encoder over a whole batch in one row, without padding."""
