"""The HTTP server of the architect ``local``: an event loop in front of a pool of threads.

The loop receives heads and bodies, writes replies and answers ``/healthz``; a request reaches a
thread only when all of it has arrived. A slow or silent client costs a connection, never a thread.
"""
