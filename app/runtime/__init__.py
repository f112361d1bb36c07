"""The processes: supervisor, workers, mailer, cleaner, metrics exporter."""
