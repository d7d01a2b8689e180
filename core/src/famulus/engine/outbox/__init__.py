"""The outbox: rows for calls to a platform, the interface of a call, and their delivery."""
