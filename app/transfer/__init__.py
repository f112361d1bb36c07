"""Files and tables of users, as other systems write them."""
