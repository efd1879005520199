"""What the clouds say: one file per API; this registry names them all."""
