"""What a command does with its command line before it imports anything heavy: compose, explain, check, help."""
