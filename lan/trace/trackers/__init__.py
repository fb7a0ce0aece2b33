"""What frames mean together: one protocol a file; frames go in, conversations come out."""
