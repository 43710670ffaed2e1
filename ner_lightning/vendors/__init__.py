"""Private parts of other libraries that we use nevertheless, one file per library: upgrades fail only here."""
