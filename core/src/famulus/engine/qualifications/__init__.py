"""What is known of workers, and what they hold."""
