"""What can be asked of Gatehouse: plain functions over a `Call`, one file per subject."""
