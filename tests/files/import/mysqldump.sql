/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `users`;
INSERT INTO `users` VALUES (1,'anna@example.com','$2y$04$1rbNoDKg/XfYIzkK1.2vl.IKIIRtkiEGBi4CgM0rhIxHs55R9ysP6');
