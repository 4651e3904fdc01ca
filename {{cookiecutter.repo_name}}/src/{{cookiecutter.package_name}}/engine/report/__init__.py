"""What the pages say."""
