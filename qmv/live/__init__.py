"""How far a run is, for those who look from outside: folded from its events, and written where others read it."""
