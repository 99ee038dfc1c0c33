-- A convention is sealed once for the countersignature that asked for it, however many workers tried.
create unique index document_sealed on document (file, version) where kind = 'convention_sealed';
