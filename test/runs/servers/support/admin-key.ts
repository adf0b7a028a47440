export const adminKey = 'admin-key-of-the-tests';
