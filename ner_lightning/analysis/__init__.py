"""From stored runs to conclusions."""
