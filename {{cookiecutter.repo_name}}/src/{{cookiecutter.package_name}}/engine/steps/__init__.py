"""What happens when a verb is typed."""
