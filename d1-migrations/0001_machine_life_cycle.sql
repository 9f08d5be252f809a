ALTER TABLE `machines` ADD `os_version_detail` text;--> statement-breakpoint
ALTER TABLE `machines` ADD `public_endpoint` text;--> statement-breakpoint
ALTER TABLE `machines` ADD `client_connectivity` text;--> statement-breakpoint
ALTER TABLE `machines` ADD `derp_latencies` text;--> statement-breakpoint
ALTER TABLE `machines` ADD `key_expiry_disabled` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `shields_up` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `ssh_enabled` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `accept_routes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `advertise_exit_node` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `exit_node_approved` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `advertised_routes` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `approved_routes` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `machines` ADD `approved_by` text;--> statement-breakpoint
ALTER TABLE `machines` ADD `approved_at` integer;--> statement-breakpoint
ALTER TABLE `machines` ADD `key_created_at` integer DEFAULT 0 NOT NULL;