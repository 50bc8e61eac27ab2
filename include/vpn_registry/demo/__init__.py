"""The demonstration: an SFTP server, a mail sink, sample ISPs and their files, all on this machine."""
