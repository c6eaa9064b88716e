"""From files to values: contact files, campaign files, the workspace's file."""
