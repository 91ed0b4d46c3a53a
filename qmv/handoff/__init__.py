"""What an editor gets to go on with: named pictures, timelines, captions, a table of beats. Functions of values."""
