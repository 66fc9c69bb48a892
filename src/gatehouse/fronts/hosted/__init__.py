"""The pages that links in mails open: so far the one where a new password is chosen."""
