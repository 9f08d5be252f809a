CREATE TABLE `client_versions` (
	`platform` text NOT NULL,
	`arch` text NOT NULL,
	`version` text NOT NULL,
	`download_url` text NOT NULL,
	`checksum_sha256` text NOT NULL,
	`release_notes` text,
	`published_at` integer NOT NULL,
	PRIMARY KEY(`platform`, `arch`, `version`)
);
