"""The outbox: rows for calls that a platform must get, the interface of a call, and delivery."""
