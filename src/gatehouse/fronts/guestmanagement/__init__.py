"""The JSON front of partners: `/guestmanagement/*.json`, its description and the page that shows it."""
