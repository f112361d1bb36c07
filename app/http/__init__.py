"""What stands between any request and any page, whatever the interface."""
