CREATE TYPE "public"."kind" AS ENUM('big', 'small');--> statement-breakpoint
CREATE TABLE "makers" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "makers_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"kind" "kind" DEFAULT 'big',
	CONSTRAINT "makers_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "items" (
	"id" serial PRIMARY KEY NOT NULL,
	"maker" integer,
	"price" integer
);
--> statement-breakpoint
ALTER TABLE "items" ADD CONSTRAINT "items_maker_makers_id_fk" FOREIGN KEY ("maker") REFERENCES "public"."makers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "items_price_idx" ON "items" USING btree ("price");
