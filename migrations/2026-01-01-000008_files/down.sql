drop table transfer, firmware_publication, firmware_update, firmware_image, station_file, log_request cascade;
drop function stromtor_firmware_in_use, stromtor_platform;
