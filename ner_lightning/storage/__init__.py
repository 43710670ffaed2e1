"""Files on the disk: who may write them, and how."""
