"""What stands on the disk: who may write, and how."""
