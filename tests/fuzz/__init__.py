"""Hostile input: made by a seed, given to the real commands, judged by what anybody can see."""
