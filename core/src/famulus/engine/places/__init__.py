"""Places on a platform that sells them: as many as the run needs are opened, and all are closed."""
