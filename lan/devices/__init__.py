"""Device models, one kind a file.  A module here that defines a kind is found by being here."""
