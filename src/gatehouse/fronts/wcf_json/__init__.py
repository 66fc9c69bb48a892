"""The JSON of `account.svc`, as a WCF endpoint gives it to browsers and mobile applications."""
