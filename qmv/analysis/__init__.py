"""What is heard in a song: pure functions from samples to onsets, beats, bars, sections and energy."""
