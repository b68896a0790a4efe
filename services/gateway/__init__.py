"""The one public entry: signs customers in and passes their requests to the services behind."""
