"""The worker process: arq's jobs and the supervisor around them. All work is done by app.sync."""
