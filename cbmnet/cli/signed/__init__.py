"""What `cbmnet messages` is made of: keys, the trust store, envelopes, inspection."""
