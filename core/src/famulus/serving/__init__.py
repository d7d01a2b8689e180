"""Server processes of runs: started on a socket that is bound here, watched and ended."""
