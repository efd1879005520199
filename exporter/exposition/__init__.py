"""How readings are shown: pure; families as data, shards as bytes, pages as sequences of shards."""
